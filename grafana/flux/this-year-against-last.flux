// Hours without power by month, in the year of the range's end and in the year before it.
thisYear = date.truncate(t: stop, unit: 1y)
lastYear = date.sub(from: thisYear, d: 1y)
months = hoursBy(every: 1mo, first: lastYear, since: lastYear, until: stop)
column = (name, value) => months
  |> map(fn: (r) => ({
      month: strings.substring(v: firstDay(t: r._time), start: 5, end: 7),
      _field: (if r._time < thisYear then "last_year" else "this_year") + name,
      _value: value(r: r),
    }))
union(tables: [column(name: "", value: (r) => r.hours), column(name: "_coverage", value: (r) => r.coverage)])
  |> group()
  |> pivot(rowKey: ["month"], columnKey: ["_field"], valueColumn: "_value")
  |> group()
  |> sort(columns: ["month"])
