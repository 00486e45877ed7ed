/* SPDX-License-Identifier: Apache-2.0
 *
 * flow.c - one direction of bytes from a source to a sink
 *
 * Process: worker, mcpgw-admin.  Owns: nothing.  Trusts: its two ends to be ours.
 */
#include "http/flow.h"

void
flow_give(struct flow *f, struct span bytes)
{
	if (f->ended != FLOW_OPEN || bytes.n == 0)
		return;
	f->given += bytes.n;
	f->credit -= bytes.n < f->credit ? bytes.n : f->credit;
	if (f->sink != NULL && f->sink->give != NULL)
		f->sink->give(f->sink_arg, bytes);
}

void
flow_end(struct flow *f, enum flow_end why)
{
	if (f->ended != FLOW_OPEN)
		return;
	f->ended = why;
	if (f->sink != NULL && f->sink->end != NULL)
		f->sink->end(f->sink_arg, why);
}

void
flow_credit(struct flow *f, size_t bytes)
{
	if (f->ended != FLOW_OPEN || bytes == 0)
		return;
	f->credit += bytes;
	if (f->source != NULL && f->source->credit != NULL)
		f->source->credit(f->source_arg, bytes);
}

void
flow_stop(struct flow *f, enum flow_end why)
{
	if (f->ended != FLOW_OPEN)
		return;
	f->ended = why;
	if (f->source != NULL && f->source->end != NULL)
		f->source->end(f->source_arg, why);
}
