// The share of the known time that was without power, by weekday and hour; null where nothing is known.
//
// Whole weeks need no look at each of their hours: what lasts from a to b has got of an hour of the
// week what that hour has got by b less what it has got by a. So it is enough to count beginnings and
// ends by the hour of the week into which they fall. Where clocks change, what runs ends and begins
// anew.
hour = 3600000000
minute = 60000000
firstMonday = 96 * hour

// The starts (ns) of those steps in which the clocks change.
clockChanges = (starts, step, parts) => if length(arr: starts) == 0 then starts else generate.from(
    count: length(arr: starts) * parts,
    fn: (n) => n,
    start: 2000-01-01T00:00:00Z,
    stop: 2001-01-01T00:00:00Z,
  )
  |> map(fn: (r) => ({at: starts[r._value / parts] + r._value % parts * step}))
  |> filter(fn: (r) => offsetOf(t: time(v: r.at)) != offsetOf(t: time(v: r.at + step)))
  |> findColumn(fn: (key) => true, column: "at")
quarter = 900000000000
day = 96 * quarter
firstDayStarts = int(v: start) / day * day
weeks = (int(v: stop) - firstDayStarts) / day / 7 + 1
inWeeks = clockChanges(starts: [firstDayStarts], step: 7 * day, parts: weeks)
inDays = clockChanges(starts: inWeeks, step: day, parts: 7)
inHours = clockChanges(starts: inDays, step: 4 * quarter, parts: 24)
changed = clockChanges(starts: inHours, step: quarter, parts: 4)

// A row for each of them within the range (no home, mark: by how many minutes), and one for its end.
clock = ""
theEnd = "~"
marks = generate.from(count: length(arr: changed) + 1, fn: (n) => n, start: 2000-01-01T00:00:00Z, stop: 2001-01-01T00:00:00Z)
  |> map(fn: (r) => {
      isEnd = r._value == length(arr: changed)
      at = if isEnd then int(v: stop) else changed[r._value] + quarter
      moved = if isEnd then 0 else offsetOf(t: time(v: at)) - offsetOf(t: time(v: at - quarter))
      return {home: if isEnd then theEnd else clock, _time: time(v: at), off: 0, known: 0, homes: 0, mark: moved}
    })
  |> filter(fn: (r) => r.home == theEnd or r._time > start and r._time <= stop)
offsetFirst = offsetOf(t: start)
rows = union(tables: [changes(since: start, until: stop), marks])
  |> group()
  |> sort(columns: ["_time", "home"])
  |> duplicate(column: "off", as: "openOff")
  |> duplicate(column: "known", as: "openKnown")
  |> duplicate(column: "mark", as: "moved")
  |> cumulativeSum(columns: ["openOff", "openKnown", "moved"])

// What a beginning (1) or an end (-1) adds: to its hour of the week, 0 on Monday to 167.
fallen = (r, ahead, off, known) => {
  wall = int(v: r._time) / 1000 + (offsetFirst + ahead) * minute - firstMonday
  rest = wall % hour
  whole = wall / (168 * hour)
  return {
    cell: wall % (168 * hour) / hour,
    off: off,
    known: known,
    offRest: off * rest,
    knownRest: known * rest,
    offWeeks: off * whole,
    knownWeeks: known * whole,
  }
}
summed = (tables=<-) => tables
  |> reduce(
    identity: {off: 0, known: 0, offRest: 0, knownRest: 0, offWeeks: 0, knownWeeks: 0},
    fn: (r, accumulator) => ({
      off: accumulator.off + r.off,
      known: accumulator.known + r.known,
      offRest: accumulator.offRest + r.offRest,
      knownRest: accumulator.knownRest + r.knownRest,
      offWeeks: accumulator.offWeeks + r.offWeeks,
      knownWeeks: accumulator.knownWeeks + r.knownWeeks,
    }),
  )
everyCell = generate.from(count: 168, fn: (n) => n, start: 2000-01-01T00:00:00Z, stop: 2001-01-01T00:00:00Z)
  |> map(fn: (r) => ({cell: r._value, off: 0, known: 0, offRest: 0, knownRest: 0, offWeeks: 0, knownWeeks: 0}))
cells = union(tables: [
    everyCell,
    rows
      |> filter(fn: (r) => r.home != clock)
      |> map(fn: (r) => fallen(
        r: r,
        ahead: r.moved,
        off: if r.home == theEnd then -r.openOff else r.off,
        known: if r.home == theEnd then -r.openKnown else r.known,
      )),
    rows
      |> filter(fn: (r) => r.home == clock)
      |> map(fn: (r) => fallen(r: r, ahead: r.moved - r.mark, off: -r.openOff, known: -r.openKnown)),
    rows
      |> filter(fn: (r) => r.home == clock)
      |> map(fn: (r) => fallen(r: r, ahead: r.moved, off: r.openOff, known: r.openKnown)),
  ])
  |> group(columns: ["cell"])
  |> summed()
  |> group()
wholeWeeks = cells
  |> summed()
  |> map(fn: (r) => ({cell: -1, off: -r.offWeeks, known: -r.knownWeeks, offRest: 0, knownRest: 0, offWeeks: 0, knownWeeks: 0}))

weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
twoDigits = (n) => (if n < 10 then "0" else "") + string(v: n)
seen = length(arr: lastStates(until: stop) |> group() |> limit(n: 1) |> findColumn(fn: (key) => true, column: "home")) > 0
union(tables: [cells, wholeWeeks])
  |> group()
  |> sort(columns: ["cell"])
  |> cumulativeSum(columns: ["off", "known"])
  |> filter(fn: (r) => seen and r.cell >= 0)
  |> map(fn: (r) => {
      known = r.known * hour - r.knownRest
      off = r.off * hour - r.offRest
      return {
        hour: twoDigits(n: r.cell % 24),
        _field: weekdays[r.cell / 24],
        _value: if known > 0 then float(v: off) / float(v: known) else debug.null(type: "float"),
      }
    })
  |> pivot(rowKey: ["hour"], columnKey: ["_field"], valueColumn: "_value")
  |> sort(columns: ["hour"])
