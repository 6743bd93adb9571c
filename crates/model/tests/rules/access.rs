//! Roles and scopes as words, and what follows from the way somebody was authenticated.

use model::access::{Credential, Means, Proof, Role, TokenScope};

#[test]
fn roles_and_scopes_print_as_the_words_that_they_are_read_from() {
    for role in Role::ALL {
        assert_eq!(Role::try_from(role.to_string()), Ok(role));
    }
    for scope in TokenScope::ALL {
        assert_eq!(TokenScope::try_from(scope.to_string()), Ok(scope));
        assert_eq!(serde_json::to_value(scope).expect("JSON"), scope.as_str());
    }
}

#[test]
fn a_credential_is_the_proof_that_its_kind_says() {
    assert_eq!([Credential::Session(4).proof(), Credential::Token(4).proof()], [Proof::Session, Proof::Token]);
    assert_eq!(Means::Session.proof(), Proof::Session);
    for scope in TokenScope::ALL {
        assert_eq!(Means::Token(scope).proof(), Proof::Token, "{scope}");
    }
}

#[test]
fn a_session_and_a_token_of_the_same_number_are_two_credentials() {
    assert_eq!([Credential::Session(4).to_string(), Credential::Token(4).to_string()], ["s4", "t4"]);
}
