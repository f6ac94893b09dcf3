// SPDX-License-Identifier: GPL-2.0

//! The registry of attached policies: attach, update, detach.
//!
//! Lock order: the BPF core's struct_ops mutex (held by `attach` and `update`, not always by
//! `detach`), then the registry's mutex, then that of `switches.rs` or of a program's used maps.
//! Nothing here waits for a program: what a program may still use is freed by SRCU callbacks.

use super::{
    attachment::{
        Attachment,
        Policy, //
    },
    lists::{
        self,
        Listed, //
    },
    mode::{
        self,
        Mode, //
    },
    records,
    switches, //
};
use crate::{
    behaviours::mounts::listing,
    boundary::{
        cred,
        escape::Escaped,
        log::warn_limited,
        srcu_list::{
            Node,
            Writer, //
        }, //
    },
    bpf::{
        kfunc::Group,
        ops::Op,
        struct_ops::{
            LinkKey,
            OpsRef, //
        }, //
    }, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex,
        SetOnce, //
    }, //
};

/// How many policies can be attached at once.
pub(crate) const MAX_POLICIES: usize = 256;

static REGISTRY: SetOnce<Pin<KBox<Mutex<Registry>>>> = SetOnce::new();

struct Entry {
    link: LinkKey,
    attachment: Arc<Attachment>,
}

struct Registry {
    writer: Writer,
    entries: KVec<Entry>,
    next_id: u64,
}

/// An element for the list of each op that a policy has.
type Nodes = [Option<KBox<Node<Listed>>>; Op::COUNT];

/// Makes the registry. Once, at boot.
pub(crate) fn init() -> Result {
    let registry = Registry {
        writer: Writer::take().ok_or(EBUSY)?,
        entries: KVec::with_capacity(MAX_POLICIES, GFP_KERNEL)?,
        next_id: 1,
    };
    REGISTRY.populate(KBox::pin_init(
        new_mutex!(registry, "krsi_registry"),
        GFP_KERNEL,
    )?);
    Ok(())
}

/// Attaches a policy. `EPERM` without CAP_MAC_ADMIN, `EOPNOTSUPP` without a link, `E2BIG` when
/// there are too many, and what `Attachment::new` answers.
pub(crate) fn attach(ops: OpsRef, link: Option<LinkKey>) -> Result {
    let name = ops.header().name;
    tell("attach", "attachment of", &name, try_attach(ops, link))
}

/// Tells audit what became of a policy, and the kernel log of a refusal. Waits for nobody.
fn tell(what: &str, log: &str, name: &[u8], result: Result<Arc<Attachment>>) -> Result {
    records::change(what, name, result.as_deref().map_err(|e| *e));
    result.map(|_| ()).inspect_err(|e| refused(log, name, *e))
}

fn refused(what: &str, name: &[u8], e: Error) {
    let why = match e {
        e if e == EPERM => "CAP_MAC_ADMIN is missing",
        e if e == EOPNOTSUPP => "it needs a BPF link",
        e if e == E2BIG => "there are too many policies",
        e if e == EBUSY => "a program of it was replaced by an extension",
        e if e == EACCES => {
            "a program of it reads kernel memory through an untrusted pointer or calls a module"
        }
        e if e == EINVAL => "an update must keep the name",
        e if e == ENOMEM => "out of memory",
        _ => "the policy is gone",
    };
    warn_limited!("{what} policy {} refused: {why}\n", Escaped(name));
}

fn try_attach(ops: OpsRef, link: Option<LinkKey>) -> Result<Arc<Attachment>> {
    may_administrate()?;
    let link = link.ok_or(EOPNOTSUPP)?;
    let mut registry = lock()?;
    if registry.entries.len() >= MAX_POLICIES {
        return Err(E2BIG);
    }
    let attachment = Attachment::new(Policy::new(registry.next_id)?, ops)?;
    let nodes = nodes(&attachment)?;
    registry.entries.push(
        Entry {
            link,
            attachment: attachment.clone(),
        },
        GFP_KERNEL,
    )?;
    registry.next_id += 1;
    prepare(&attachment);
    registry.publish(attachment.policy().id(), nodes);
    if attachment.ops().prog(Op::Mount).is_some() {
        listing::write(attachment.name());
    }
    Ok(attachment)
}

/// Replaces a policy's programs, flags and maps; its identity and counts stay. `EPERM` without
/// CAP_MAC_ADMIN, `EINVAL` if the name is another.
pub(crate) fn update(ops: OpsRef, link: LinkKey) -> Result {
    let name = ops.header().name;
    tell("update", "update to", &name, try_update(ops, link))
}

fn try_update(ops: OpsRef, link: LinkKey) -> Result<Arc<Attachment>> {
    may_administrate()?;
    let mut registry = lock()?;
    let entry = registry.find(link).ok_or(ENOENT)?;
    let old = registry.entries[entry].attachment.clone();
    if !name_of(old.name()).eq(name_of(&ops.header().name)) {
        return Err(EINVAL);
    }
    let attachment = Attachment::new(old.policy().clone(), ops)?;
    let nodes = nodes(&attachment)?;
    prepare(&attachment);
    registry.entries[entry].attachment = attachment.clone();
    registry.publish(old.policy().id(), nodes);
    Ok(attachment)
}

/// A name without its NUL and what may stand behind it.
fn name_of(field: &[u8]) -> impl Iterator<Item = &u8> {
    field.iter().take_while(|byte| **byte != 0)
}

/// Detaches the policy of a link. Never fails and never waits for a program.
pub(crate) fn detach(link: LinkKey) {
    if let Some(attachment) = take(link) {
        records::change("detach", attachment.name(), Ok(&attachment));
    }
}

fn take(link: LinkKey) -> Option<Arc<Attachment>> {
    let mut registry = lock().ok()?;
    let entry = registry.find(link)?;
    let entry = registry.entries.remove(entry).ok()?;
    registry.publish(entry.attachment.policy().id(), Nodes::default());
    Some(entry.attachment)
}

/// Changes KRSI's mode and switches the hooks accordingly. Answers also which mode it was in.
/// `EPERM` without CAP_MAC_ADMIN or beyond the boot's cap.
pub(crate) fn set_mode(to: Result<Mode>) -> (Mode, Result) {
    let mut registry = lock();
    let change = |to| {
        may_administrate()?;
        mode::change(to)?;
        if let Ok(registry) = &mut registry {
            registry.renew();
        }
        switches::renew();
        Ok(())
    };
    (mode::current(), to.and_then(change))
}

/// Calls `look` for each policy, in the order of attachment, under the registry's lock.
pub(crate) fn for_each(mut look: impl FnMut(&Attachment)) -> Result {
    let registry = lock()?;
    for entry in &registry.entries {
        look(&entry.attachment);
    }
    Ok(())
}

fn lock() -> Result<kernel::sync::lock::mutex::MutexGuard<'static, Registry>> {
    Ok(REGISTRY.as_ref().ok_or(ENODEV)?.lock())
}

fn may_administrate() -> Result {
    if cred::may_administrate() {
        Ok(())
    } else {
        Err(EPERM)
    }
}

fn nodes(attachment: &Arc<Attachment>) -> Result<Nodes> {
    let mut nodes = Nodes::default();
    for (op, node) in Op::ALL.into_iter().zip(&mut nodes) {
        if let Some(listed) = Listed::new(attachment.clone(), op) {
            *node = Some(Node::new(attachment.policy().id(), listed)?);
        }
    }
    Ok(nodes)
}

/// Before a policy is published: what it asks for must be there when it runs first.
fn prepare(attachment: &Attachment) {
    if Op::ALL
        .into_iter()
        .any(|op| attachment.needs(op).has(Group::Digest))
    {
        switches::expect_digests();
    }
}

impl Registry {
    fn find(&self, link: LinkKey) -> Option<usize> {
        self.entries.iter().position(|entry| entry.link == link)
    }

    /// Notes in the lists that the mode is another.
    fn renew(&mut self) {
        for op in Op::ALL {
            lists::renew(&mut self.writer, op);
        }
    }

    /// Puts a policy's elements into the lists, in place of those that it had.
    fn publish(&mut self, id: u64, nodes: Nodes) {
        for (op, node) in Op::ALL.into_iter().zip(nodes) {
            lists::set(&mut self.writer, op, id, node);
        }
        switches::renew();
    }
}
