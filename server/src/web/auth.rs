//! Who looks at a page: the session, or the way to the sign-in.

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::CookieJar;

use super::page;
use crate::service::{Caller, SESSION_COOKIE, Service};

/// A page request with a session.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// Who.
    pub(crate) caller: Caller,
}

/// Where a request without a session goes.
pub(crate) enum NotSignedIn {
    /// A page: to the form.
    Form,
    /// A part of a page: the script then loads the whole page.
    Part,
    /// The store failed.
    Broken(crate::service::ServiceError),
}

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> Response {
        match self {
            Self::Form => Redirect::to("/sign-in").into_response(),
            Self::Part => StatusCode::UNAUTHORIZED.into_response(),
            Self::Broken(error) => page::failed(&error).into_response(),
        }
    }
}

impl FromRequestParts<Service> for Viewer {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, NotSignedIn> {
        let jar = CookieJar::from_headers(&parts.headers);
        let caller = match jar.get(SESSION_COOKIE) {
            Some(session) => service
                .caller_by_session(session.value())
                .await
                .map_err(NotSignedIn::Broken)?,
            None => None,
        };
        match caller {
            Some(caller) => Ok(Self { caller }),
            None if page::wants_part(&parts.headers) => Err(NotSignedIn::Part),
            None => Err(NotSignedIn::Form),
        }
    }
}
