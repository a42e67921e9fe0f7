// A row for each outage that overlaps the range, newest first. `end` is null while one runs, and
// duration_s then counts up to now; min_s and max_s: at least and at most, where that is known;
// from and to: the range for a look at it, an hour more on both sides, as an address holds it.
oldest = readFrom()
found = spells(oldest: oldest)
  |> keep(columns: ["home", "_time", "us"])
  |> rename(columns: {us: "_value"})
  |> set(key: "_field", value: "us")
  |> group(columns: ["home", "_field"])
notes = from(bucket: v.defaultBucket)
  |> range(start: oldest, stop: stop)
  |> filter(fn: (r) => r._measurement == "power_outage" and r.home =~ /^(?:${home:regex})$/)
  |> filter(fn: (r) => r._field == "cause" or r._field == "duration_min_s" or r._field == "duration_max_s")
  |> keep(columns: ["home", "_time", "_field", "_value"])
union(tables: [found, notes])
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> filter(fn: (r) => exists r.us)
  |> group()
  |> sort(columns: ["_time"], desc: true)
  |> map(fn: (r) => {
      begin = int(v: r._time)
      end = begin + r.us * 1000
      ongoing = end > present
      return {
        home: r.home,
        start: r._time,
        end: if ongoing then debug.null(type: "time") else time(v: (end + 500000) / 1000000 * 1000000),
        duration_s: float(v: ((if ongoing then present else end) - begin + 500000) / 1000000) / 1000.0,
        ongoing: ongoing,
        cause: if exists r.cause then r.cause else "",
        min_s: if exists r.duration_min_s then r.duration_min_s else debug.null(type: "float"),
        max_s: if exists r.duration_max_s then r.duration_max_s else debug.null(type: "float"),
        from: string(v: begin / 1000000 - 3600000),
        to: if ongoing then "now" else string(v: (end + 500000) / 1000000 + 3600000),
      }
    })
