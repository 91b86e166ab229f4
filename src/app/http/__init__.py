"""The service over HTTP (Litestar).

    edge          one ASGI layer round everything: hosts, request ids, headers, sizes, deadlines
      └ doors     one middleware: who is calling, may they, how often
          └ endpoints     a plain handler called, and its answer sent, without the framework's machinery
              └ a file per noun: request and response Structs, `view`, the controller

A handler decodes, calls one service method and shows: no ``try``, no rule, no loop that decides. Every answer is a
``…View`` Struct; a domain value never leaves. To add a route, write it in its noun's file with ``opt=`` one of
`doors`; `application` lists the controllers.
"""
