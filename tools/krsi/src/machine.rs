// SPDX-License-Identifier: GPL-2.0-or-later

//! What the kernel and this machine say: of policies, files, cgroups, modules and sticks.

pub mod cgroup;
pub mod elf;
pub mod file_id;
pub mod kernel;
pub mod memory;
pub mod module_read;
pub mod mounts;
pub mod regular;
pub mod sys;
pub mod usb;
