//! The REST API under `/api/v1`: one set of figures with the pages, problems as RFC 9457, a sign-in on every route but
//! health and version.

mod agent_releases;
mod assets;
mod auth;
mod blockers;
mod campaigns;
mod events;
mod extract;
mod health;
mod people;
mod problem;
mod readiness;
mod routes;
mod secrets;

pub use auth::Signed;
pub use events::stream;
pub use problem::Problem;
pub use routes::{Ask, Done, Retire, asks_of_then, router};
