// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the pages of an exec's strings, for arg_pages.rs.
 *
 * Until the new program runs nobody but the exec uses its memory, and its strings
 * were just written there. So nearly always all of the pages are there, in one page
 * table, and no fault has to be prepared for.
 */

#include <linux/binfmts.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>

#include "bindings.h"

/* The page at @addr, one behind the last that was found; NULL if it is to be looked for anew. */
static struct page *next_page(struct folio_walk *fw, struct vm_area_struct *vma,
			      unsigned long addr)
{
	pte_t pte;

	/* Another table may have another lock. */
	if (fw->level != FW_LEVEL_PTE || !(addr & ~PMD_MASK))
		return NULL;
	pte = ptep_get(++fw->ptep);
	return pte_present(pte) ? vm_normal_page(vma, addr, pte) : NULL;
}

/* Holds @count pages of the new stack from @addr on, up to one that is not there; how many. */
unsigned long krsi_hold_pages(struct linux_binprm *bprm, unsigned long addr, unsigned long count,
			      struct page **pages)
{
	struct vm_area_struct *vma = bprm->vma;
	struct folio_walk fw;
	unsigned long n = 0;

	mmap_read_lock(bprm->mm);
	while (n < count && folio_walk_start(&fw, vma, addr, 0)) {
		struct page *page = fw.page;

		do {
			get_page(page);
			pages[n++] = page;
			addr += PAGE_SIZE;
			page = n < count ? next_page(&fw, vma, addr) : NULL;
		} while (page);
		folio_walk_end(&fw, vma);
	}
	mmap_read_unlock(bprm->mm);
	return n;
}

void krsi_put_pages(struct page **pages, unsigned long count)
{
	while (count--)
		put_page(*pages++);
}
