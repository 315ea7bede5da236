-- wrk: one prepared line after the other, as the body of a POST or as the bearer token of a GET; the last words are JSON.
local method, head, lines, expected = nil, nil, nil, ""
local threads = {}
wrong = 0

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  local path
  method, path, lines, expected = arguments[1], arguments[2], io.lines(arguments[3]), arguments[4] or ""
  head = method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n"
  if method == "POST" then
    head = head .. "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
  else
    head = head .. "Authorization: Bearer "
  end
  if expected ~= "" then
    function response(status, headers, body)
      if not body:find(expected, 1, true) then
        wrong = wrong + 1
      end
    end
  end
end

function request()
  local line = lines()
  if line == nil then
    error("more requests than prepared lines: prepare more")
  end
  if method == "POST" then
    return head .. #line .. "\r\n\r\n" .. line
  end
  return head .. line .. "\r\n\r\n"
end

function done(summary, latency, requests)
  local errors, unexpected = summary.errors, 0
  for _, thread in ipairs(threads) do
    unexpected = unexpected + thread:get("wrong")
  end
  io.write(string.format(
    '\n{"answers": %d, "micros": %d, "refused": %d, "unexpected": %d, "lost": %d, "p50": %.3f, "p95": %.3f, "p99": %.3f}\n',
    summary.requests, summary.duration, errors.status, unexpected,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
