// Hours without power by day.
hoursBy(every: 1d, first: date.truncate(t: start, unit: 1d), since: start, until: stop)
  |> map(fn: (r) => ({_time: r._time, day: firstDay(t: r._time), hours: r.hours, unknown_hours: r.unknown_hours, coverage: r.coverage}))
