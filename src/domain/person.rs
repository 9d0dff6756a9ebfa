//! The people who act on the page, and what each may do there. It knows no secret of theirs.

use std::fmt;

/// The name somebody signs in with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

/// What somebody may do; each may also do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Releases and rejects held results, retries deliveries, has messages read again, sees to problems, and records
    /// critical calls.
    Technician,
    /// Gives deliveries up, or confirms that the LIMS has them.
    Supervisor,
    /// What a supervisor may. Who is who is said on the gateway's own machine, with `labwire user`.
    Admin,
}

impl PersonName {
    /// The most characters of a name.
    pub const LONGEST: usize = 40;

    /// # Errors
    /// What a name must be, where `text` isn't one: lower-case letters, digits, `.`, `-` and `_`, the first a letter.
    pub fn parse(text: &str) -> Result<PersonName, String> {
        let fits = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
        };
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if starts && text.len() <= Self::LONGEST && text.bytes().all(fits) {
            return Ok(PersonName(text.to_owned()));
        }
        Err(format!(
            "a name to sign in with begins with a lower-case letter and has only those, digits, '.', '-' and '_', {} \
             characters at most, such as anna.example",
            Self::LONGEST
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Technician, Role::Supervisor, Role::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Technician => "technician",
            Role::Supervisor => "supervisor",
            Role::Admin => "admin",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_typed_on_every_keyboard_and_told_from_any_other() {
        for name in ["anna", "anna.example", "a-2_b", &"a".repeat(40)] {
            assert_eq!(PersonName::parse(name).unwrap().as_str(), name);
        }
        for text in
            ["", "Anna", "2anna", "anna example", "anna@lab", "änna", &"a".repeat(41), " anna", "anna\n"]
        {
            assert!(PersonName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn each_role_may_what_the_ones_before_it_may() {
        assert!(Role::ALL.is_sorted());
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}
