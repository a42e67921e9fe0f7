// Hours without power by week, from Monday to Sunday; `week` is its Monday.
monday = date.sub(from: date.truncate(t: start, unit: 1d), d: date.scale(d: 1d, n: (date.weekDay(t: start) + 6) % 7))
hoursBy(every: 1w, offset: -3d, first: monday, since: start, until: stop)
  |> map(fn: (r) => ({_time: r._time, week: firstDay(t: r._time), hours: r.hours, unknown_hours: r.unknown_hours, coverage: r.coverage}))
