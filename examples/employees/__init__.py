"""Employees: a resource added to Hexkey from outside, in the same manner as its own.

model         what an employee is, what may be asked of their list, who may do what
port          what the service needs of a storage
service       the use cases
memory, sql   the two storages; `migrations` is how the tables came to be
http          the routes
app           the wiring, and what makes the application
"""
