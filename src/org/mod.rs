//! Who may do what: organisations, their members, and the keys that act for them.

pub mod audit;
pub mod keys;

use crate::clock::Time;
use crate::ids::OrganisationId;
use serde::Serialize;
use uuid::Uuid;

/// A tenant.
#[derive(Clone, Debug, Serialize)]
pub struct Organisation {
    pub id: OrganisationId,
    pub name: String,
    pub created_at: Time,
}

/// What a principal may do in its organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything in the organisation; still never approves what it submitted itself.
    Owner,
    /// Uploads, submits, cancels, pauses.
    Maker,
    /// Approves and rejects.
    Checker,
    /// Reads everything, downloads reports and statements.
    Finance,
    /// Reads.
    Viewer,
    /// Runs the platform: confirms fundings, sees the lanes.
    Operator,
}

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    Read,
    Make,
    Approve,
    /// Settling exceptions; it always takes two.
    Settle,
    Fund,
}

impl Role {
    pub const ALL: [Role; 6] = [Role::Owner, Role::Maker, Role::Checker, Role::Finance, Role::Viewer, Role::Operator];

    pub fn name(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Maker => "maker",
            Role::Checker => "checker",
            Role::Finance => "finance",
            Role::Viewer => "viewer",
            Role::Operator => "operator",
        }
    }

    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.name() == name)
    }

    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::Read => true,
            Permission::Make => matches!(self, Role::Owner | Role::Maker),
            Permission::Approve => matches!(self, Role::Owner | Role::Checker),
            Permission::Settle => matches!(self, Role::Owner | Role::Checker | Role::Finance),
            // Money enters only by the operator's word: an organisation cannot fund itself.
            Permission::Fund => self == Role::Operator,
        }
    }
}

/// Whoever acts: the member a key belongs to, or the key itself where it belongs to nobody. Two keys of one member are
/// one person to the maker-checker rule.
#[derive(Clone, Debug)]
pub struct Principal {
    pub id: Uuid,
    pub organisation: OrganisationId,
    pub role: Role,
    /// For people: an e-mail address, or the key's prefix.
    pub label: String,
}

impl Principal {
    /// Whoever works at the command line of the installation.
    pub fn operator(organisation: OrganisationId) -> Principal {
        Principal { id: Uuid::nil(), organisation, role: Role::Operator, label: "operator".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_the_operator_makes_money_and_the_operator_pays_nobody() {
        for role in Role::ALL {
            assert_eq!(role.may(Permission::Fund), role == Role::Operator);
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert!(!Role::Operator.may(Permission::Make) && !Role::Operator.may(Permission::Approve));
        assert!(!Role::Maker.may(Permission::Approve) && !Role::Checker.may(Permission::Make));
    }
}
