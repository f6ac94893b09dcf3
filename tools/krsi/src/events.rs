// SPDX-License-Identifier: GPL-2.0-or-later

//! Events: from the buffers of the kernel to all who want them.

pub mod buffers;
pub mod burst;
pub mod event;
pub mod gap;
pub mod hub;
pub mod losses;
pub mod queue;
pub mod report;
pub mod sink;
pub mod stream;
