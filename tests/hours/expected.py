"""What the calendar should answer, by Python's zoneinfo and the machine's time zone database.

Reads a file of questions and prints the answers as JSON. It follows the words of the rules and looks at every minute:
work may start at an instant when the clock in the window's zone shows a time of that window, and when neither a blackout
of instants nor one of days, by the calendar where the host is, holds.
"""

import json
import sys
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
REACH = timedelta(days=20)


def weekdays(words):
    days = set()
    for word in words:
        first, _, last = word.partition("-")
        day = WEEK.index(first)
        days.add(day)
        while last and WEEK[day] != last:
            day = (day + 1) % 7
            days.add(day)
    return days


def civil(day, text):
    """A time of day on a day; 24:00 is midnight of the next."""
    if text == "24:00":
        return datetime.combine(day + timedelta(days=1), time())
    return datetime.combine(day, time.fromisoformat(text))


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


class Calendar:
    def __init__(self, question):
        self.host = ZoneInfo(question["zone"])
        self.windows = [
            (weekdays(it["days"]), it["from"], it["to"], ZoneInfo(it.get("zone", question["zone"])))
            for it in question["windows"]
        ]
        self.days, self.times = [], []
        for it in question["blackouts"]:
            if "T" in it["from"]:
                self.times.append((instant(it["from"]), instant(it["to"])))
            else:
                self.days.append((date.fromisoformat(it["from"]), date.fromisoformat(it["to"])))

    def may_start(self, at):
        today = at.astimezone(self.host).date()
        if any(first <= today <= last for first, last in self.days):
            return False
        if any(begins <= at < ends for begins, ends in self.times):
            return False
        return not self.windows or any(self.shows(window, at) for window in self.windows)

    @staticmethod
    def shows(window, at):
        days, begins, ends, zone = window
        shown = at.astimezone(zone).replace(tzinfo=None)
        for day in (shown.date(), shown.date() - timedelta(days=1)):
            first, past = civil(day, begins), civil(day, ends)
            if past <= first:
                past += timedelta(days=1)
            if day.weekday() in days and first <= shown < past:
                return True
        return False

    def first(self, at, wanted):
        end = at + REACH
        while at < end:
            if self.may_start(at) == wanted:
                return at
            at += MINUTE
        return None

    def last(self, at):
        if self.may_start(at):
            return at
        end = at - REACH
        while at > end:
            if self.may_start(at - MILLISECOND):
                return at - MILLISECOND
            at -= MINUTE
        return None


def milliseconds(at):
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // MILLISECOND


def answer(question):
    calendar, at = Calendar(question), instant(question["at"])
    is_open = calendar.may_start(at)
    return {
        "open": is_open,
        "next_open": milliseconds(calendar.first(at, True)),
        "closes": milliseconds(calendar.first(at, False)) if is_open else None,
        "latest_start": milliseconds(calendar.last(at - timedelta(minutes=question["needed_min"]))),
    }


def spelled(question):
    """One instant as the clocks of many zones show it, with their offsets."""
    at = instant(question["at"])
    return [at.astimezone(ZoneInfo(name)).isoformat() for name in question["zones"]]


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        asked = json.load(file)
    print(json.dumps({"calendars": [answer(it) for it in asked["calendars"]], "instants": spelled(asked["instant"])}))
