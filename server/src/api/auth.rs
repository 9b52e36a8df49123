//! Who asks: an access token in the header, or the dashboard's session.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use axum_extra::extract::CookieJar;

use super::Problem;
use crate::service::{Caller, SESSION_COOKIE, Service};

/// A request whose caller is known. What the caller may do is asked by each use case.
#[derive(Debug, Clone)]
pub struct Signed(pub Caller);

impl FromRequestParts<Service> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Problem> {
        if let Some(token) = bearer(parts) {
            let caller = service.caller_by_token(token).await?;
            return caller.map(Self).ok_or_else(Problem::not_signed_in);
        }
        let jar = CookieJar::from_headers(&parts.headers);
        let Some(session) = jar.get(SESSION_COOKIE) else {
            return Err(Problem::not_signed_in());
        };
        // A browser sends its cookie along with what other pages make it post; only reading is open to it here.
        if parts.method != axum::http::Method::GET {
            return Err(Problem::not_signed_in());
        }
        service
            .caller_by_session(session.value())
            .await?
            .map(Self)
            .ok_or_else(Problem::not_signed_in)
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    parts
        .headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}
