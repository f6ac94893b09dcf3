// SPDX-License-Identifier: GPL-2.0

//! What a policy's return value means.
//!
//! BPF does not check what a struct_ops program returns, and a wrong value from an exec hook
//! breaks the caller of execve: a positive number looks like success, some errnos restart the
//! path walk. So 0, -EPERM and -EACCES are verdicts and anything else is the policy's error.

use kernel::{
    error::code::{
        EACCES,
        EPERM, //
    },
    prelude::*, //
};

/// The outcome of one run.
pub(crate) struct Judgement {
    /// What the policy wants the behaviour to fail with.
    pub(crate) denial: Option<Error>,
    /// Whether the policy, or KRSI for it, went wrong.
    pub(crate) error: bool,
}

/// Judges what a program returned; `Err` if it could not be run. `failed` says that KRSI could not
/// prepare the event or answer one of the program's questions.
pub(crate) fn judge(returned: Result<c_int>, failed: bool, fail_closed: bool) -> Judgement {
    let verdict = returned.and_then(|value| match value {
        0 => Ok(None),
        value if value == EPERM.to_errno() => Ok(Some(EPERM)),
        value if value == EACCES.to_errno() => Ok(Some(EACCES)),
        _ => Err(EINVAL),
    });
    let error = failed || verdict.is_err();
    let closed = (error && fail_closed).then_some(EPERM);

    Judgement {
        denial: verdict.unwrap_or(None).or(closed),
        error,
    }
}

#[cfg(CONFIG_SECURITY_KRSI_KUNIT_TEST)]
#[kunit_tests(krsi_verdict)]
mod tests {
    use super::*;

    fn errno(judgement: &Judgement) -> c_int {
        judgement.denial.map_or(0, |e| e.to_errno())
    }

    #[test]
    fn the_three_verdicts_are_taken_as_they_are() {
        for value in [0, -1, -13] {
            let judgement = judge(Ok(value), false, false);
            assert_eq!(errno(&judgement), value);
            assert!(!judgement.error);
        }
    }

    #[test]
    fn any_other_value_is_an_error_and_allows() {
        for value in [1, 512, c_int::MIN, c_int::MAX, -2, -8, -116, -512] {
            let judgement = judge(Ok(value), false, false);
            assert_eq!(errno(&judgement), 0);
            assert!(judgement.error);
        }
    }

    #[test]
    fn fail_closed_denies_where_nothing_was_decided() {
        assert_eq!(errno(&judge(Ok(1), false, true)), -1);
        assert_eq!(errno(&judge(Ok(0), true, true)), -1);
        assert_eq!(errno(&judge(Err(EBUSY), false, true)), -1);
        assert_eq!(errno(&judge(Ok(0), false, true)), 0);
    }

    #[test]
    fn a_denial_keeps_its_errno_though_something_failed() {
        let judgement = judge(Ok(-13), true, true);
        assert_eq!(errno(&judgement), -13);
        assert!(judgement.error);
    }

    #[test]
    fn our_own_failure_allows() {
        let judgement = judge(Ok(0), true, false);
        assert_eq!(errno(&judgement), 0);
        assert!(judgement.error);
    }
}
