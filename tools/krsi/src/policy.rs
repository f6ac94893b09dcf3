// SPDX-License-Identifier: GPL-2.0-or-later

//! Policies as they are shipped or written in files, and what is put into their maps.

pub mod entry;
pub mod key;
pub mod module_list;
pub mod object;
pub mod shipped;
pub mod variables;
