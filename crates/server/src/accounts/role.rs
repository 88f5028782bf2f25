//! What an account may do.

use std::fmt;
use std::str::FromStr;

/// What an account may do. Everybody who signs in may also do what a fan may.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    clap::ValueEnum,
    utoipa::ToSchema,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys.
    Fan,
    /// Puts performances on sale.
    Organiser,
    /// Runs waiting rooms.
    Operator,
    /// Checks tickets at the venue's door.
    Door,
    /// May do what every other role may, and gives roles.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Fan,
        Self::Organiser,
        Self::Operator,
        Self::Door,
        Self::Admin,
    ];

    /// As it is stored and said.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Organiser => "organiser",
            Self::Operator => "operator",
            Self::Door => "door",
            Self::Admin => "admin",
        }
    }

    /// Whether who has this role may do what `needed` may.
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        self == needed || self == Self::Admin || needed == Self::Fan
    }

    /// Whether this is somebody who works here: their sessions are shorter.
    #[must_use]
    pub fn is_staff(self) -> bool {
        self != Self::Fan
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Not a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of fan, organiser, operator, door, admin")]
pub struct NotARole;

impl FromStr for Role {
    type Err = NotARole;
    fn from_str(text: &str) -> Result<Self, NotARole> {
        Self::ALL
            .into_iter()
            .find(|role| role.code() == text)
            .ok_or(NotARole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_back_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(NotARole));
    }

    #[test]
    fn only_an_admin_may_do_what_others_may() {
        for has in Role::ALL {
            for needed in Role::ALL {
                let may = has == needed || has == Role::Admin || needed == Role::Fan;
                assert_eq!(has.covers(needed), may, "{has} for {needed}");
            }
        }
    }
}
