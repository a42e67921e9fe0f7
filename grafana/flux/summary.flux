// One row about the range. outages: begun in it; running: now; off_s: time without power in it;
// longest_s and median_s: of the outages that overlap it, each in its whole length; coverage: the known
// share of the time since each home was first seen.
found = outages()
  |> map(fn: (r) => {
      begin = if r._time < start then int(v: start) else int(v: r._time)
      last = int(v: r._time) + r.ms * 1000000
      end = if last > int(v: stop) then int(v: stop) else last
      return {
        begun: if r._time < start then 0.0 else 1.0,
        running: if r.ongoing then 1.0 else 0.0,
        seconds: float(v: (end - begin) / 1000) / 1000000.0,
        length: float(v: r.ms) / 1000.0,
        count: 1.0,
      }
    })
  |> group()
known = changes(since: start, until: stop)
  |> cumulativeSum(columns: ["known"])
  |> events.duration(unit: 1ns, columnName: "lasts", stop: stop)
  |> map(fn: (r) => ({all: float(v: (r.lasts + 500) / 1000), known: float(v: (r.lasts + 500) / 1000 * r.known)}))
  |> group()
  |> reduce(
    identity: {all: 0.0, known: 0.0},
    fn: (r, accumulator) => ({all: accumulator.all + r.all, known: accumulator.known + r.known}),
  )
none = known |> map(fn: (r) => ({begun: 0.0, running: 0.0, seconds: 0.0, length: 0.0, count: 0.0}))
sums = union(tables: [found, none])
  |> group()
  |> reduce(
    identity: {begun: 0.0, running: 0.0, seconds: 0.0, longest: 0.0, count: 0.0},
    fn: (r, accumulator) => ({
      begun: accumulator.begun + r.begun,
      running: accumulator.running + r.running,
      seconds: accumulator.seconds + r.seconds,
      longest: if r.length > accumulator.longest then r.length else accumulator.longest,
      count: accumulator.count + r.count,
    }),
  )
named = (tables=<-, name, value) => tables |> map(fn: (r) => ({row: 1, _field: name, _value: value(r: r)}))
union(tables: [
    sums |> named(name: "outages", value: (r) => r.begun),
    sums |> named(name: "running", value: (r) => r.running),
    sums |> named(name: "off_s", value: (r) => r.seconds),
    sums |> filter(fn: (r) => r.count > 0.0) |> named(name: "longest_s", value: (r) => r.longest),
    found |> median(column: "length", method: "exact_mean") |> named(name: "median_s", value: (r) => r.length),
    known |> filter(fn: (r) => r.all > 0.0) |> named(name: "coverage", value: (r) => r.known / r.all),
  ])
  |> group()
  |> pivot(rowKey: ["row"], columnKey: ["_field"], valueColumn: "_value")
  |> map(fn: (r) => ({
      outages: r.outages,
      running: r.running,
      off_s: r.off_s,
      longest_s: if exists r.longest_s then r.longest_s else debug.null(type: "float"),
      median_s: if exists r.median_s then r.median_s else debug.null(type: "float"),
      coverage: if exists r.coverage then r.coverage else debug.null(type: "float"),
    }))
