-- wrk -s post.lua URL -- FILE-OF-KEYS BODY: the keys by turns; each %s in BODY becomes a word never used before.
local keys, body, word, count = {}, "", "", 0

function init(args)
  for key in io.lines(args[1]) do keys[#keys + 1] = key end
  body, word = args[2], string.format("%d-%d", os.time(), math.floor(os.clock() * 1e6))
end

function request()
  count = count + 1
  local headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = keys[count % #keys + 1] }
  return wrk.format("POST", nil, headers, (body:gsub("%%s", word .. "-" .. count)))
end
