//! What people send by a form. One that can't be read is said as a page, and changes nothing.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// A form's fields.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Form<T>, Failure> {
        let axum::Form(fields) = axum::Form::<T>::from_request(request, state)
            .await
            .map_err(|rejection| Failure::Form(rejection.status()))?;
        Ok(Form(fields))
    }
}
