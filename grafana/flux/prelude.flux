import "array"
import "contrib/tomhollingworth/events"
import "date"
import "generate"
import "internal/debug"
import "strings"
import zones "timezone"

// Days, weeks, months and hours are those of this time zone. Where a dashboard has no variable
// `timezone`, the text below is Flux's own: the value of the line before it.
timezone = "UTC"
zone = "${timezone}"
option location = zones.location(name: if zone == "" then "UTC" else zone)

// The range as far as it is past. One that is wholly in the future becomes a day of 1800: an empty
// range would be an error, and of that day nothing is known.
begun = v.timeRangeStart < now()
start = if begun then v.timeRangeStart else 1800-01-01T00:00:00Z
stop = if not begun then 1800-01-02T00:00:00Z else if v.timeRangeStop < now() then v.timeRangeStop else now()
beforeAll = 1700-01-01T00:00:00Z
afterAll = 2200-01-01T00:00:00Z
present = int(v: now())

points = (measurement, field, since, until) => from(bucket: v.defaultBucket)
  |> range(start: since, stop: until)
  |> filter(fn: (r) => r._measurement == measurement and r._field == field and r.home =~ /^(?:${home:regex})$/)
// `on` is 0 or 1, and absent where the state is unknown: an outage lasts from a 0 to the next 1,
// whatever was unknown in between.
on = (since, until) => points(measurement: "power_transition", field: "on", since: since, until: until)
states = (since, until) => points(measurement: "power_transition", field: "state", since: since, until: until)

// The last transition of each home that has any.
lastStates = (until) => states(since: beforeAll, until: until) |> last()

// From where to read so that each outage in progress at the start of the range is read from its own
// start: the last 1 of each home whose last value is 0; all, where one was never 1.
readFrom = () => {
  before = (value) => on(since: beforeAll, until: start)
    |> filter(fn: (r) => r._value == value)
    |> last()
  found = union(tables: [before(value: 0), before(value: 1)])
    |> group(columns: ["home"])
    |> reduce(
      identity: {off: int(v: beforeAll), on: int(v: beforeAll)},
      fn: (r, accumulator) => ({
        off: if r._value == 0 then int(v: r._time) else accumulator.off,
        on: if r._value == 1 then int(v: r._time) else accumulator.on,
      }),
    )
    |> filter(fn: (r) => r.off > r.on)
    |> group()
    |> min(column: "on")
    |> findColumn(fn: (key) => true, column: "on")
  return if length(arr: found) == 0 then start else time(v: found[0])
}

// All outages that overlap the range, read from `oldest` on: home, _time (the start), us (how long;
// centuries, while it runs).
spells = (oldest) => union(tables: [
    on(since: oldest, until: stop),
    on(since: stop, until: time(v: present + 1)) |> filter(fn: (r) => r._value == 1) |> first(),
  ])
  |> group(columns: ["home"])
  |> keep(columns: ["home", "_time", "_value"])
  |> sort(columns: ["_time"])
  |> duplicate(column: "_value", as: "on")
  |> difference(keepFirst: true)
  |> filter(fn: (r) => not exists r._value or r._value != 0)
  |> events.duration(unit: 1us, columnName: "us", stop: afterAll)
  |> filter(fn: (r) => r.on == 0)
  |> filter(fn: (r) => int(v: r._time) + r.us * 1000 > int(v: start))
outages = () => spells(oldest: readFrom())
  |> map(fn: (r) => {
      end = int(v: r._time) + r.us * 1000
      ongoing = end > present
      return {home: r.home, _time: r._time, ongoing: ongoing, ms: ((if ongoing then present else end) - int(v: r._time) + 500000) / 1000000}
    })

// What changes when, by home, from `since` to `until`: `off` is 1 where an outage begins and -1 where
// it ends, `known` the same for what is known: on, or an outage. What runs at `since` begins there;
// what runs at `until` goes on. `homes` is 1 where a home is seen first.
changes = (since, until) => {
  marked = (tables=<-) => tables
    |> map(fn: (r) => ({home: r.home, _time: r._time, on: -1, _value: debug.null(type: "int")}))
  return union(tables: [
      on(since: beforeAll, until: since) |> last() |> duplicate(column: "_value", as: "on"),
      on(since: since, until: until) |> duplicate(column: "_value", as: "on"),
      lastStates(until: since) |> filter(fn: (r) => r._value == "unknown") |> marked(),
      states(since: since, until: until) |> filter(fn: (r) => r._value == "unknown") |> marked(),
    ])
    |> group(columns: ["home"])
    |> keep(columns: ["home", "_time", "_value", "on"])
    |> sort(columns: ["_time"])
    |> fill(usePrevious: true)
    |> map(fn: (r) => {
        off = if exists r._value and r._value == 0 then 1 else 0
        known = if r.on == -1 and off == 0 then 0 else 1
        return {home: r.home, _time: r._time, off: off, known: known, wasOff: off, wasKnown: known}
      })
    |> difference(columns: ["off", "known"], keepFirst: true)
    |> map(fn: (r) => ({
        home: r.home,
        _time: if r._time < since then since else r._time,
        off: if exists r.off then r.off else r.wasOff,
        known: if exists r.known then r.known else r.wasKnown,
        homes: if exists r.off then 0 else 1,
        mark: 0,
      }))
}

// How far the clocks of the time zone are ahead of UTC, in minutes: from -12 h to 14 h.
offsetOf = (t) => {
  clock = date.hour(t: t) * 60 + date.minute(t: t)
  ahead = (clock - int(v: t) / 60000000000 % 1440 + 1440) % 1440
  sameDay = date.monthDay(t: t) == date.monthDay(t: t, location: {zone: "UTC", offset: 0h})
  return if clock >= int(v: t) / 60000000000 % 1440 then (if sameDay then ahead else ahead - 1440) else if sameDay then ahead - 1440 else ahead
}

// The first of a period as text, such as 2026-11-24; 7 characters of it name the month. The clocks may
// have moved by an hour or two since the range began: the day begins before that.
offsetAtStart = offsetOf(t: start) * 60000000000
firstDay = (t, length=10) => strings.substring(v: string(v: time(v: int(v: t) + offsetAtStart + 10800000000000)), start: 0, end: length)

// Hours without power by calendar period, all homes added up: a row for each period that overlaps
// the time from `since` to `until`; `first` is where the first of them begins. `hours` is null where
// nothing is known; `unknown_hours` is what of that time nobody knows; `coverage` is the known share
// of the whole periods.
hoursBy = (every, offset=0s, first, since, until) => {
  found = changes(since: since, until: until)
  marks = found
    |> group()
    |> limit(n: 1)
    |> map(fn: (r) => ({_time: first, _value: 0}))
    |> range(start: first, stop: until)
    |> aggregateWindow(every: every, offset: offset, fn: count, createEmpty: true, timeSrc: "_start")
    |> map(fn: (r) => ({home: "", _time: r._time, off: 0, known: 0, homes: 0, mark: 1}))
  return union(tables: [marks, found])
    |> group()
    |> sort(columns: ["_time", "home"])
    |> duplicate(column: "homes", as: "more")
    |> cumulativeSum(columns: ["off", "known", "homes"])
    |> events.duration(unit: 1ns, columnName: "lasts", stop: until)
    |> map(fn: (r) => ({home: r.home, _time: r._time, mark: r.mark, homes: r.homes, more: r.more, off: r.off * ((r.lasts + 500) / 1000), known: r.known * ((r.lasts + 500) / 1000), ns: int(v: r._time)}))
    |> sort(columns: ["_time", "home"], desc: true)
    |> cumulativeSum(columns: ["off", "known", "more"])
    |> filter(fn: (r) => r.mark == 1)
    |> duplicate(column: "off", as: "lastOff")
    |> duplicate(column: "known", as: "lastKnown")
    |> duplicate(column: "more", as: "lastMore")
    |> difference(columns: ["off", "known", "more", "ns"], keepFirst: true)
    |> map(fn: (r) => {
        off = float(v: if exists r.off then r.off else r.lastOff)
        known = float(v: if exists r.known then r.known else r.lastKnown)
        homes = float(v: r.homes + (if exists r.more then r.more else r.lastMore))
        begin = int(v: r._time)
        end = if exists r.ns then begin - r.ns else int(v: date.add(d: every, to: r._time))
        inRange = (if end > int(v: until) then int(v: until) else end) - (if begin < int(v: since) then int(v: since) else begin)
        return {
          _time: r._time,
          hours: if known > 0.0 then off / 3600000000.0 else debug.null(type: "float"),
          unknown_hours: (float(v: inRange) / 1000.0 * homes - known) / 3600000000.0,
          coverage: if known > 0.0 then known * 1000.0 / (float(v: end - begin) * homes) else 0.0,
        }
      })
    |> sort(columns: ["_time"])
}
