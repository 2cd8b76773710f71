-- For wrk: sends whole requests from a file, in turn, and prints one JSON line.
--   wrk … -s replay.lua URL -- REQUESTS        (the file's form: tests/bench/load.py)
local requests, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local length = file:read("*n", "*l")
    if not length then break end
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    '{"answers":%d,"refused":%d,"broken":%d,"late":%d,"seconds":%.6f,' ..
      '"p50":%.3f,"p99":%.3f,"max":%.3f}\n',
    summary.requests, failed.status, failed.connect + failed.read + failed.write, failed.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3))
end
