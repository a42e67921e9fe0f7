// Hours without power since the start of the range, a line a home: each bends where an outage begins
// or ends. Of many homes the 20 with the most.
hours = changes(since: start, until: stop)
  |> filter(fn: (r) => r.off != 0 or r.known != 0 or r.homes == 1)
  |> cumulativeSum(columns: ["off"])
  |> events.duration(unit: 1ns, columnName: "lasts", stop: stop)
  |> map(fn: (r) => ({home: r.home, _time: r._time, own: r.off * ((r.lasts + 500) / 1000), sum: r.off * ((r.lasts + 500) / 1000)}))
  |> cumulativeSum(columns: ["sum"])
ends = hours |> last(column: "sum") |> map(fn: (r) => ({home: r.home, _time: stop, _value: float(v: r.sum) / 3600000000.0}))
most = ends
  |> group()
  |> sort(columns: ["_value"], desc: true)
  |> limit(n: 20)
  |> findColumn(fn: (key) => true, column: "home")
bends = hours
  |> unique(column: "_time")
  |> map(fn: (r) => ({home: r.home, _time: r._time, _value: float(v: r.sum - r.own) / 3600000000.0}))
union(tables: [bends, ends])
  |> filter(fn: (r) => contains(value: r.home, set: most))
  |> group(columns: ["home"])
  |> sort(columns: ["_time"])
