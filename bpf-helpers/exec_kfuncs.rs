// SPDX-License-Identifier: GPL-2.0

//! The kfuncs that read an exec's arguments and environment. None faults, none sleeps.
//!
//! Each is given the strings that the hook has prepared, or why it could not.

use crate::{
    args::{
        Args,
        Span, //
    },
    boundary::{
        arg_pages::Strings,
        prog_mem::ProgMem, //
    },
    env_name::EnvName, //
};
use kernel::prelude::*;

/// Answers a string: its whole length, with as much of it as fits before a NUL.
fn string<S: Strings>(args: &Args<S>, span: Span, out: &ProgMem<'_>) -> usize {
    if let Some(room) = out.len().checked_sub(1) {
        let written = copy(args, span.first(room), out);
        out.write(written, &[0]);
    }
    span.len
}

/// Answers a part of a block: the rest of it from `off` on, with as much of it as fits.
fn block<S: Strings>(args: &Args<S>, span: Span, off: u32, out: &ProgMem<'_>) -> Result<usize> {
    let rest = span.from(off as usize)?;
    copy(args, rest.first(out.len()), out);
    Ok(rest.len)
}

fn copy<S: Strings>(args: &Args<S>, span: Span, out: &ProgMem<'_>) -> usize {
    let mut written = 0;
    args.pieces(span, |piece| written += out.write(written, piece));
    written
}

/// The value of the first definition of a variable.
pub(crate) fn get_env_var<S: Strings>(
    args: Result<&Args<S>>,
    var: &ProgMem<'_>,
    out: &ProgMem<'_>,
) -> Result<usize> {
    let mut room = EnvName::ROOM;
    // Copied once, so that what is checked is what is used.
    let var = EnvName::new(var.read_into(&mut room))?;
    let args = args?;
    let value = args.env_value(&var, 0)?;
    Ok(string(args, value, out))
}

/// Where the value of the `n`-th definition begins in the environment.
pub(crate) fn find_env_var<S: Strings>(
    args: Result<&Args<S>>,
    var: &ProgMem<'_>,
    n: u32,
) -> Result<usize> {
    let mut room = EnvName::ROOM;
    // Copied once, so that what is checked is what is used.
    let var = EnvName::new(var.read_into(&mut room))?;
    let args = args?;
    Ok(args.env_offset(args.env_value(&var, n)?))
}

/// How often a variable is defined.
pub(crate) fn count_env_var<S: Strings>(
    args: Result<&Args<S>>,
    var: &ProgMem<'_>,
) -> Result<usize> {
    let mut room = EnvName::ROOM;
    // Copied once, so that what is checked is what is used.
    let var = EnvName::new(var.read_into(&mut room))?;
    Ok(args?.count_env(&var))
}

/// The environment from an offset on.
pub(crate) fn get_env_vars<S: Strings>(
    args: Result<&Args<S>>,
    off: u32,
    out: &ProgMem<'_>,
) -> Result<usize> {
    let args = args?;
    block(args, args.env_block(), off, out)
}

/// Argument `n`.
pub(crate) fn get_arg<S: Strings>(
    args: Result<&Args<S>>,
    n: u32,
    out: &ProgMem<'_>,
) -> Result<usize> {
    let args = args?;
    Ok(string(args, args.arg(n)?, out))
}

/// The arguments from an offset on.
pub(crate) fn get_args<S: Strings>(
    args: Result<&Args<S>>,
    off: u32,
    out: &ProgMem<'_>,
) -> Result<usize> {
    let args = args?;
    block(args, args.args_block(), off, out)
}
