// A region for each outage that overlaps the range, the newest 900: Grafana takes a thousand rows of an
// annotation. One that runs ends now.
minutesIn = (ms) => (ms + 30000) / 60000
words = (ms) => {
  hours = minutesIn(ms: ms) / 60
  minutes = minutesIn(ms: ms) % 60
  return if ms < 60000 then string(v: (ms + 500) / 1000) + " s" else if hours == 0 then string(v: minutes) + " min" else if minutes == 0 then string(v: hours) + " h" else string(v: hours) + " h " + string(v: minutes) + " min"
}
outages()
  |> group()
  |> map(fn: (r) => ({
      time: r._time,
      timeEnd: time(v: int(v: r._time) + r.ms * 1000000),
      text: r.home + (if r.ongoing then " is without power for " else " was without power for ") + words(ms: r.ms),
      tags: "outage," + r.home,
    }))
  |> sort(columns: ["time"], desc: true)
  |> limit(n: 900)
