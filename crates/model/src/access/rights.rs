//! Roles of accounts, scopes of tokens, and the one table that says what they permit.

use super::{Audience, Proof};
use crate::{Invalid, UserId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What an account may do with runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sees all runs that are for everyone, changes none.
    Viewer,
    /// Sees and changes its own runs.
    Member,
    /// Sees and changes all runs.
    Admin,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| Invalid::new("role", text, "viewer, member or admin"))
    }
}

impl TryFrom<String> for Role {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token may be used for. It never widens what its account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenScope {
    /// Reports runs, reads nothing.
    Report,
    /// Reads, changes nothing.
    Read,
    /// Reports, reads and changes runs.
    Write,
    /// Reads, and starts and stops what Flowo itself runs.
    Run,
    /// Takes over tasks as a worker; reads and reports nothing else.
    Work,
    /// Does whatever its account may do.
    Admin,
}

impl TokenScope {
    pub const ALL: [Self; 6] = [Self::Report, Self::Read, Self::Write, Self::Run, Self::Work, Self::Admin];
    /// The words of all scopes, for messages.
    pub const WORDS: &'static str = "report, read, write, run, work or admin";

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Read => "read",
            Self::Write => "write",
            Self::Run => "run",
            Self::Work => "work",
            Self::Admin => "admin",
        }
    }

    /// What an account must be permitted to let in a program with this scope. A worker is handed everybody's tasks.
    pub const fn admitted_by(self) -> Permission {
        match self {
            Self::Admin | Self::Work => Permission::AdmitAdmins,
            Self::Report | Self::Read | Self::Write | Self::Run => Permission::AdmitPrograms,
        }
    }
}

impl FromStr for TokenScope {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| Invalid::new("scope", text, Self::WORDS))
    }
}

impl TryFrom<String> for TokenScope {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How somebody was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Means {
    /// A browser that is signed in: it may do all that the account may do.
    Session,
    /// A token, or an entrance that needs none.
    Token(TokenScope),
}

impl Means {
    pub const fn proof(self) -> Proof {
        match self {
            Self::Session => Proof::Session,
            Self::Token(_) => Proof::Token,
        }
    }
}

/// What somebody has been given: a role, and the means of authentication used for this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    pub role: Role,
    pub means: Means,
}

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Responses that reveal nothing about anybody.
    Greet,
    /// Pages. They show what a browser's session may see.
    OpenPages,
    /// Reading the runs in one's [`Audience`].
    ReadRuns,
    /// Changing those runs: names, tags, deletion, restoration.
    ChangeRuns,
    /// Reporting runs. A session may report too, because some clients have only a session.
    Report,
    /// Reporting through routes where a link on another site could create a run with a visitor's cookie: by token only.
    ReportByToken,
    /// Starting and stopping what Flowo itself runs.
    StartRuns,
    /// Taking over tasks, and reporting on them, as a worker: by token only.
    Work,
    /// Letting programs in: never by token.
    AdmitPrograms,
    /// Letting in somebody who may do all that an admin may do, or a worker.
    AdmitAdmins,
    /// What concerns the whole server: metrics.
    Operate,
    /// Reading other people's runs, unless they are for the owner and the team only.
    SeeSharedRuns,
    /// Reading all of other people's runs.
    SeeAllRuns,
    /// Changing other people's runs, and reporting on them.
    ChangeAllRuns,
}

impl Permission {
    pub const ALL: [Self; 14] = [
        Self::Greet,
        Self::OpenPages,
        Self::ReadRuns,
        Self::ChangeRuns,
        Self::Report,
        Self::ReportByToken,
        Self::StartRuns,
        Self::Work,
        Self::AdmitPrograms,
        Self::AdmitAdmins,
        Self::Operate,
        Self::SeeSharedRuns,
        Self::SeeAllRuns,
        Self::ChangeAllRuns,
    ];
}

/// Why something is not permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// The account may only look.
    ViewersChangeNothing,
    /// The account is not an admin's.
    AdminsOnly,
    /// The token's scope does not cover it.
    OutOfScope(TokenScope),
    /// A browser that is signed in is needed.
    SessionNeeded,
    /// A token is needed.
    TokenNeeded,
}

impl Refusal {
    /// The refusal as a sentence.
    pub fn says(self) -> String {
        match self {
            Self::ViewersChangeNothing => "Your account can view runs but not change anything.".into(),
            Self::AdminsOnly => "Only an admin may do that.".into(),
            Self::OutOfScope(scope) => format!("A token of the scope \"{scope}\" may not do that."),
            Self::SessionNeeded => "Sign in with a browser: a token may not do that.".into(),
            Self::TokenNeeded => "Send a token: a browser's session may not do that.".into(),
        }
    }
}

/// Whether a grant permits something.
///
/// # Errors
/// What stands in the way. If both role and scope do, the role is reported: another token would not help.
pub fn may(grant: Grant, permission: Permission) -> Result<(), Refusal> {
    use Permission as P;
    match permission {
        P::Greet => Ok(()),
        P::OpenPages => grant.in_a_session(),
        P::ReadRuns => grant.scope_among(&[TokenScope::Read, TokenScope::Write, TokenScope::Run, TokenScope::Admin]),
        P::ChangeRuns => grant.as_editor().and_then(|()| grant.scope_among(&[TokenScope::Write, TokenScope::Admin])),
        P::Report => grant.as_editor().and_then(|()| grant.scope_among(&[TokenScope::Report, TokenScope::Write, TokenScope::Admin])),
        P::ReportByToken => match grant.means {
            Means::Session => grant.as_editor().and(Err(Refusal::TokenNeeded)),
            Means::Token(_) => may(grant, P::Report),
        },
        P::StartRuns => grant.as_editor().and_then(|()| grant.scope_among(&[TokenScope::Run, TokenScope::Admin])),
        // A worker is handed everybody's tasks, with their secrets.
        P::Work => grant.as_admin().and_then(|()| match grant.means {
            Means::Session => Err(Refusal::TokenNeeded),
            Means::Token(_) => grant.scope_among(&[TokenScope::Work, TokenScope::Admin]),
        }),
        P::AdmitPrograms => grant.as_editor().and_then(|()| grant.in_a_session()),
        P::AdmitAdmins => grant.as_admin().and_then(|()| grant.in_a_session()),
        P::Operate => grant.as_admin().and_then(|()| grant.scope_among(&[TokenScope::Admin])),
        P::SeeSharedRuns if grant.role == Role::Member => Err(Refusal::AdminsOnly),
        P::SeeSharedRuns => may(grant, P::ReadRuns),
        P::SeeAllRuns => grant.as_admin().and_then(|()| may(grant, P::ReadRuns)),
        // A token that may only report does not inherit its owner's rights over other people's runs.
        P::ChangeAllRuns => grant.as_admin().and_then(|()| may(grant, P::ChangeRuns)),
    }
}

impl Grant {
    /// Whose runs this grant lets the account see.
    pub fn audience(self, account: UserId) -> Audience {
        if may(self, Permission::SeeAllRuns).is_ok() {
            Audience::All
        } else if may(self, Permission::SeeSharedRuns).is_ok() {
            Audience::Shared(account)
        } else {
            Audience::User(account)
        }
    }

    const fn as_editor(self) -> Result<(), Refusal> {
        match self.role {
            Role::Viewer => Err(Refusal::ViewersChangeNothing),
            Role::Member | Role::Admin => Ok(()),
        }
    }

    const fn as_admin(self) -> Result<(), Refusal> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Viewer | Role::Member => Err(Refusal::AdminsOnly),
        }
    }

    const fn in_a_session(self) -> Result<(), Refusal> {
        match self.means {
            Means::Session => Ok(()),
            Means::Token(_) => Err(Refusal::SessionNeeded),
        }
    }

    /// A session has no scope: it may do whatever its account may.
    fn scope_among(self, scopes: &[TokenScope]) -> Result<(), Refusal> {
        match self.means {
            Means::Token(scope) if !scopes.contains(&scope) => Err(Refusal::OutOfScope(scope)),
            Means::Session | Means::Token(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission as P;
    use TokenScope as S;

    /// Each row: a permission, and the roles that have it in a session and with a report, read, write, run,
    /// work and admin token.
    /// `v`, `m` and `a` are viewer, member and admin.
    const TABLE: [(P, [&str; 7]); 14] = [
        //                  session report  read  write  run   work  admin
        (P::Greet, ["vma", "vma", "vma", "vma", "vma", "vma", "vma"]),
        (P::OpenPages, ["vma", "", "", "", "", "", ""]),
        (P::ReadRuns, ["vma", "", "vma", "vma", "vma", "", "vma"]),
        (P::ChangeRuns, ["ma", "", "", "ma", "", "", "ma"]),
        (P::Report, ["ma", "ma", "", "ma", "", "", "ma"]),
        (P::ReportByToken, ["", "ma", "", "ma", "", "", "ma"]),
        (P::StartRuns, ["ma", "", "", "", "ma", "", "ma"]),
        (P::Work, ["", "", "", "", "", "a", "a"]),
        (P::AdmitPrograms, ["ma", "", "", "", "", "", ""]),
        (P::AdmitAdmins, ["a", "", "", "", "", "", ""]),
        (P::Operate, ["a", "", "", "", "", "", "a"]),
        (P::SeeSharedRuns, ["va", "", "va", "va", "va", "", "va"]),
        (P::SeeAllRuns, ["a", "", "a", "a", "a", "", "a"]),
        (P::ChangeAllRuns, ["a", "", "", "a", "", "", "a"]),
    ];

    const MEANS: [Means; 7] = [
        Means::Session,
        Means::Token(S::Report),
        Means::Token(S::Read),
        Means::Token(S::Write),
        Means::Token(S::Run),
        Means::Token(S::Work),
        Means::Token(S::Admin),
    ];

    #[test]
    fn every_role_and_scope_has_the_permissions_of_the_table_and_no_other() {
        assert_eq!(TABLE.map(|(permission, _)| permission), P::ALL);
        for (permission, row) in TABLE {
            for (means, having) in MEANS.into_iter().zip(row) {
                for role in Role::ALL {
                    let wanted = having.contains(&role.as_str()[..1]);
                    assert_eq!(may(Grant { role, means }, permission).is_ok(), wanted, "{permission:?} of {role} by {means:?}");
                }
            }
        }
    }

    #[test]
    fn a_refusal_names_what_stands_in_the_way() {
        for (role, means, permission, wanted) in [
            (Role::Viewer, Means::Token(S::Read), P::ChangeRuns, Refusal::ViewersChangeNothing),
            (Role::Member, Means::Token(S::Read), P::ChangeRuns, Refusal::OutOfScope(S::Read)),
            (Role::Member, Means::Token(S::Admin), P::AdmitPrograms, Refusal::SessionNeeded),
            (Role::Member, Means::Session, P::ReportByToken, Refusal::TokenNeeded),
            (Role::Member, Means::Session, P::Operate, Refusal::AdminsOnly),
            (Role::Admin, Means::Token(S::Write), P::Operate, Refusal::OutOfScope(S::Write)),
            (Role::Member, Means::Token(S::Write), P::StartRuns, Refusal::OutOfScope(S::Write)),
            (Role::Admin, Means::Session, P::Work, Refusal::TokenNeeded),
            (Role::Member, Means::Token(S::Work), P::Work, Refusal::AdminsOnly),
            (Role::Viewer, Means::Session, P::SeeAllRuns, Refusal::AdminsOnly),
        ] {
            let refusal = may(Grant { role, means }, permission);
            assert_eq!(refusal, Err(wanted), "{permission:?} of {role} by {means:?}");
            assert!(wanted.says().ends_with('.'), "{wanted:?}");
        }
    }

    #[test]
    fn a_worker_may_work_and_nothing_else() {
        let worker = Grant { role: Role::Admin, means: Means::Token(S::Work) };
        let permitted: Vec<P> = P::ALL.into_iter().filter(|permission| may(worker, *permission).is_ok()).collect();
        assert_eq!(permitted, [P::Greet, P::Work]);
        assert_eq!(worker.audience(UserId(1)), Audience::User(UserId(1)));
    }

    #[test]
    fn an_admin_admits_what_acts_for_everybody() {
        let needs_admin: Vec<&str> = S::ALL.into_iter().filter(|scope| scope.admitted_by() == P::AdmitAdmins).map(S::as_str).collect();
        assert_eq!(needs_admin, ["work", "admin"]);
    }

    #[test]
    fn members_and_tokens_that_only_report_see_nobody_elses_runs() {
        let ana = UserId(1);
        for (role, means, wanted) in [
            (Role::Viewer, Means::Session, Audience::Shared(ana)),
            (Role::Viewer, Means::Token(S::Report), Audience::User(ana)),
            (Role::Admin, Means::Token(S::Run), Audience::All),
            (Role::Admin, Means::Token(S::Write), Audience::All),
            (Role::Admin, Means::Token(S::Report), Audience::User(ana)),
            (Role::Member, Means::Session, Audience::User(ana)),
        ] {
            assert_eq!(Grant { role, means }.audience(ana), wanted, "{role} by {means:?}");
        }
    }

    #[test]
    fn roles_and_scopes_are_read_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for scope in S::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!(S::WORDS.replace(" or ", ", "), S::ALL.map(S::as_str).join(", "));
        assert!("root".parse::<Role>().is_err() && "root".parse::<S>().is_err());
    }
}
