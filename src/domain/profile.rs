//! What is known of an analyzer model, as data.

/// An analyzer model.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Such as `ortho-vitros-3600`.
    pub name: String,
    /// Never changes once released; every observation stores the revision that read it.
    pub revision: u32,
}
