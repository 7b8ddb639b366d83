-- Load for wrk: alerts to a hub or to an Alertmanager, from the environment:
--   FORM = hub | alertmanager, BATCH = alerts a request, KEYS = how many dedup keys (0 = each alert its own),
--   RUN = a word that keeps the keys of one run apart, TOKEN = the hub's API token.
-- At the end it prints one line of JSON for stage.py.
local form, run = os.getenv("FORM"), os.getenv("RUN") or "r"
local batch, keys = tonumber(os.getenv("BATCH") or "1"), tonumber(os.getenv("KEYS") or "500")
local counter, ready, turn = 0, {}, 0
local number = 0

function setup(thread)
  number = number + 1
  thread:set("mine", number)
end

local function alert(key)
  if form == "alertmanager" then
    return string.format('{"labels":{"alertname":"Disk is filling up","source":"bench","severity":"critical",'
      .. '"service":"web","key":"%s"},"annotations":{"description":"/var is at 91 %% and grows by 2 %% an hour"}}', key)
  end
  return string.format('{"title":"Disk is filling up","source":"bench","severity":"critical","service_name":"web",'
    .. '"dedup_key":"%s","description":"/var is at 91 %% and grows by 2 %% an hour"}', key)
end

local function body(from)
  local parts = {}
  for n = 1, batch do
    local key = keys > 0 and (from + n) % keys or from + n
    parts[n] = alert(run .. "-" .. (keys > 0 and 0 or mine) .. "-" .. key)
  end
  local text = table.concat(parts, ",")
  return (batch > 1 or form == "alertmanager") and "[" .. text .. "]" or text
end

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  if form == "alertmanager" then
    wrk.path = "/api/v2/alerts"
  else
    wrk.headers["Authorization"] = "Bearer " .. (os.getenv("TOKEN") or "")
    wrk.path = batch > 1 and "/api/v1/alerts/batch" or "/api/v1/alerts"
  end
  if keys > 0 then
    for n = 0, math.max(keys / batch, 1) - 1 do
      ready[n] = wrk.format(nil, nil, nil, body(n * batch))
    end
  end
end

function request()
  if keys > 0 then
    turn = (turn + 1) % (#ready + 1)
    return ready[turn]
  end
  counter = counter + batch
  return wrk.format(nil, nil, nil, body(counter))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f,"most_ms":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
