$(call archive,shm,region.c limit.c breaker.c session.c upsession.c inflight.c metric.c gate.c share.c quota.c)
