/* SPDX-License-Identifier: Apache-2.0
 *
 * test_lists_wait.c - waiting for lists of several servers, and giving that up
 */
#include <criterion/criterion.h>

#include "worker/lists/lists_priv.h"

struct one {
	struct lists_wait	 wait;
	unsigned		 done;
	struct lists_wait	*makes_leave;
};

static void
on_done(struct lists_wait *wait, void *arg)
{
	struct one	*o = arg;

	cr_expect(wait == &o->wait && !lists_waits(wait));
	o->done++;
	if (o->makes_leave != NULL)
		lists_leave(o->makes_leave);
}

static void
begin(struct one *o)
{
	*o = (struct one){ .done = 0 };
	lists_begin(&o->wait, on_done, o);
}

Test(lists_wait, is_over_at_once_when_nothing_is_waited_for)
{
	struct one	o;

	begin(&o);
	cr_expect(!lists_waits(&o.wait) && o.done == 0);
	lists_ready(&o.wait);
	cr_expect(o.done == 1);
}

Test(lists_wait, is_over_with_the_last_list)
{
	struct waiters	lists[2] = { 0 };
	struct one	o;

	begin(&o);
	for (int i = 0; i < 2; i++)
		cr_assert(waiters_add(&lists[i], &o.wait, false) == 0);
	cr_expect(lists_waits(&o.wait));
	lists_ready(&o.wait);
	waiters_serve(waiters_take(&lists[1]));
	cr_expect(o.done == 0 && lists[1].count == 0);
	waiters_serve(waiters_take(&lists[0]));
	cr_expect(o.done == 1 && lists[0].count == 0);
}

Test(lists_wait, of_who_is_late_is_for_the_next_list)
{
	struct waiters	list = { 0 };
	struct one	o;

	begin(&o);
	cr_assert(waiters_add(&list, &o.wait, true) == 0);
	lists_ready(&o.wait);
	waiters_serve(waiters_take(&list));
	cr_expect(o.done == 0 && list.count == 1);
	waiters_serve(waiters_take(&list));
	cr_expect(o.done == 1 && list.count == 0);
}

Test(lists_wait, ends_for_who_leaves_and_for_nobody_else)
{
	struct waiters	lists[2] = { 0 };
	struct one	o[3];

	for (int i = 0; i < 3; i++) {
		begin(&o[i]);
		for (int k = 0; k < 2; k++)
			cr_assert(waiters_add(&lists[k], &o[i].wait, false) == 0);
		lists_ready(&o[i].wait);
	}
	waiters_serve(waiters_take(&lists[0]));
	lists_leave(&o[1].wait);
	lists_leave(&o[1].wait);
	cr_expect(lists[1].count == 2 && !lists_waits(&o[1].wait));
	waiters_serve(waiters_take(&lists[1]));
	cr_expect(o[0].done == 1 && o[1].done == 0 && o[2].done == 1);
}

/* What one does when it is served may end another that is to be served after it, or was before. */
Test(lists_wait, ends_for_who_is_made_to_leave_while_others_are_served)
{
	struct waiters	list = { 0 };
	struct one	o[3];

	for (int i = 0; i < 3; i++) {
		begin(&o[i]);
		cr_assert(waiters_add(&list, &o[i].wait, false) == 0);
		lists_ready(&o[i].wait);
	}
	o[1].makes_leave = &o[2].wait;
	o[0].makes_leave = &o[1].wait;
	waiters_serve(waiters_take(&list));
	cr_expect(o[0].done == 1);
	cr_expect(o[1].done + o[2].done == 1, "%u, %u", o[1].done, o[2].done);
}

Test(lists_wait, is_bounded)
{
	static struct one	o[WAITERS_MAX + 1];
	struct waiters		list = { 0 };

	for (int i = 0; i < WAITERS_MAX; i++) {
		begin(&o[i]);
		cr_assert(waiters_add(&list, &o[i].wait, false) == 0);
	}
	begin(&o[WAITERS_MAX]);
	cr_expect(waiters_add(&list, &o[WAITERS_MAX].wait, false) == E_FULL && !lists_waits(&o[WAITERS_MAX].wait));
	for (int i = 0; i < WAITERS_MAX; i++)
		lists_leave(&o[i].wait);
	cr_expect(list.count == 0 && list.first == NULL);
}
