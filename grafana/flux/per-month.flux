// Hours without power by month.
hoursBy(every: 1mo, first: date.truncate(t: start, unit: 1mo), since: start, until: stop)
  |> map(fn: (r) => ({_time: r._time, month: firstDay(t: r._time, length: 7), hours: r.hours, unknown_hours: r.unknown_hours, coverage: r.coverage}))
