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
#include <linux/pgtable.h>

#include "bindings.h"

/* The middle directory's entry for @addr, as mm_find_pmd() finds it; NULL if there is none. */
static pmd_t *find_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (!pgd_present(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (!p4d_present(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	return pud_present(*pud) ? pmd_offset(pud, addr) : NULL;
}

/*
 * Holds @count pages from @addr on, up to one that is not there or in another table, and
 * stores where each is mapped; how many.
 */
static unsigned long hold_in_table(struct mm_struct *mm, unsigned long addr,
				   unsigned long count, void **pages)
{
	pmd_t *pmd = find_pmd(mm, addr);
	unsigned long n = 0;
	spinlock_t *ptl;
	pte_t *pte;

	/* Not there, or no table: a stack that is still to be moved is never mapped at once. */
	pte = pmd ? pte_offset_map_lock(mm, pmd, addr, &ptl) : NULL;
	if (!pte)
		return 0;
	count = min(count, PTRS_PER_PTE - pte_index(addr));
	for (; n < count; n++) {
		pte_t entry = ptep_get(pte + n);
		struct page *page;

		if (!pte_present(entry) || pte_special(entry))
			break;
		page = pte_page(entry);
		folio_get(page_folio(page));
		pages[n] = page_address(page);
	}
	pte_unmap_unlock(pte, ptl);
	return n;
}

/*
 * Holds @count pages of the new memory from @addr on, up to one that is not there, and
 * stores where each is mapped; how many.
 */
unsigned long krsi_hold_pages(struct mm_struct *mm, unsigned long addr, unsigned long count,
			      void **pages)
{
	unsigned long n = 0, more;

	mmap_read_lock(mm);
	do {
		more = hold_in_table(mm, addr + n * PAGE_SIZE, count - n, pages + n);
		n += more;
	} while (more && n < count);
	mmap_read_unlock(mm);
	return n;
}

/* The same of pages that are not there: one at least, or none, or an error. Sleeps. */
long krsi_fault_in_pages(struct mm_struct *mm, unsigned long addr, unsigned long count,
			 void **pages)
{
	struct page **found = (struct page **)pages;
	long n;

	mmap_read_lock(mm);
	n = get_user_pages_remote(mm, addr, count, 0, found, NULL);
	mmap_read_unlock(mm);
	for (long i = 0; i < n; i++)
		pages[i] = page_address(found[i]);
	return n;
}

void krsi_put_pages(void **pages, unsigned long count)
{
	while (count--)
		folio_put(virt_to_folio(*pages++));
}
