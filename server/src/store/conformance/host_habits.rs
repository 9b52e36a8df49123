//! In which hours hosts are usually heard of.

use super::lab::{Lab, on_both};
use crate::store::host_habits::{self, HostHabitRow};

on_both!(
    a_habit_comes_back_as_it_went_and_only_goes_forward,
    habits_of_many_hosts_are_kept_and_read_at_once
);

fn row(host: &str, last_hour: i64) -> HostHabitRow {
    HostHabitRow {
        host_id: host.to_owned(),
        shares: (0..168).collect(),
        counted: 400,
        last_hour,
    }
}

fn put(lab: &Lab, rows: Vec<HostHabitRow>) {
    lab.store
        .write_now(move |tx| host_habits::put(tx, &rows))
        .expect("kept");
}

fn of(lab: &Lab, hosts: &[&str]) -> Vec<HostHabitRow> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let found = lab.store.read_now(move |tx| host_habits::of_hosts(tx, &hosts));
    found.expect("read").into_values().collect()
}

fn a_habit_comes_back_as_it_went_and_only_goes_forward(lab: &Lab) {
    put(lab, vec![row("a", 7), row("b", 8)]);
    assert_eq!(of(lab, &["a", "b", "c"]), [row("a", 7), row("b", 8)]);
    let earlier = HostHabitRow {
        counted: 1,
        ..row("a", 6)
    };
    put(lab, vec![earlier]);
    assert_eq!(of(lab, &["a"]), [row("a", 7)]);
    put(lab, vec![row("a", 9)]);
    assert_eq!(of(lab, &["a"]), [row("a", 9)]);
    assert_eq!(lab.store.write_now(|tx| host_habits::erase(tx, "a")), Ok(true));
    assert_eq!(lab.store.write_now(|tx| host_habits::erase(tx, "a")), Ok(false));
    assert_eq!(of(lab, &["a", "b"]), [row("b", 8)]);
}

fn habits_of_many_hosts_are_kept_and_read_at_once(lab: &Lab) {
    let rows: Vec<HostHabitRow> = (0..250).map(|number| row(&format!("h{number:03}"), number)).collect();
    put(lab, rows.clone());
    let hosts: Vec<&str> = rows.iter().map(|row| row.host_id.as_str()).collect();
    assert_eq!(of(lab, &hosts), rows);
}
