// The state of each home now: 0 off, 1 unknown, 2 on; since when, and for how many seconds.
lastStates(until: time(v: present + 1))
  |> map(fn: (r) => ({
      home: r.home,
      state: if r._value == "on" then 2 else if r._value == "off" then 0 else 1,
      since: r._time,
      for_s: float(v: (present - int(v: r._time)) / 1000000) / 1000.0,
    }))
  |> group()
  |> sort(columns: ["state", "home"])
