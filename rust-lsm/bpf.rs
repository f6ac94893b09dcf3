// SPDX-License-Identifier: GPL-2.0

//! KRSI's face to BPF: its ABI as C and the verifier see it.
//!
//! - `abi.rs`: the types of the header `bpf-helpers/krsi.h`; `task_id.rs` fills one of them;
//! - `ops.rs`: what a policy can have programs for;
//! - `event.rs`: a context, and what stands behind it for kfuncs;
//! - `kfunc.rs`, `thunks.rs`: which kfuncs there are, and where C forwards them to;
//! - `struct_ops.rs`: the type of all policies; `verifier.rs`: what is asked about a program.
//!
//! `unsafe` is here for what comes from C and BPF as a raw pointer. Nothing is decided.

#![expect(
    unsafe_code,
    reason = "raw pointers from C and BPF become typed references"
)]

pub(crate) mod abi;
mod answers;
pub(crate) mod event;
pub(crate) mod kfunc;
pub(crate) mod ops;
pub(crate) mod struct_ops;
mod task_id;
mod thunks;
mod verifier;
