-- For wrk: sends METHOD with a body of BYTES to one target after the other, `#` in it being a number from 1 to COUNT.
-- wrk -s requests.lua … URL -- METHOD BYTES TARGET COUNT

local requests = {}
local last = 0

function init(args)
  local method, bytes, target, count = args[1], tonumber(args[2]), args[3], tonumber(args[4])
  local body = bytes > 0 and string.rep("x", bytes) or nil
  for number = 1, count do
    requests[number] = wrk.format(method, (target:gsub("#", number)), nil, body)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
