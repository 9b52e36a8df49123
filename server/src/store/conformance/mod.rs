//! One suite for both databases: every case runs on SQLite (a file) and on PostgreSQL.
//!
//! PostgreSQL is named by `CUTOVER_TEST_POSTGRES=postgres://USER@HOST:PORT/DATABASE`; each case has a schema of its own
//! there, dropped at its end. Without it the cases say so and pass, except under `CI=true`, where they fail.

mod lab;

mod agent_releases;
mod artifacts;
mod assets;
mod campaigns;
mod carried;
mod causes;
mod concurrency;
mod disks;
mod domain_controllers;
mod enrolment;
mod events;
mod exemptions;
mod grades;
mod group;
mod host_habits;
mod housekeeping;
mod identities;
mod image_pools;
mod in_place;
mod last_statements;
mod migrations;
mod nudges;
mod opening;
mod people;
mod plans;
mod portability;
mod replays;
mod secrets;
mod sessions;
mod transactions;
mod values;
mod versions;
mod waves;
mod work;
