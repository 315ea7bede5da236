-- wrk: one prepared body after the other; the last words are a line of JSON.
local head, bodies, taken = nil, nil, 0

function init(arguments)
  head = "POST " .. arguments[1] .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
  bodies = io.lines(arguments[2])
end

function request()
  local body = bodies()
  if body == nil then
    error("more requests than prepared bodies: prepare more")
  end
  return head .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "micros": %d, "refused": %d, "lost": %d, "p50": %.3f, "p95": %.3f, "p99": %.3f}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
