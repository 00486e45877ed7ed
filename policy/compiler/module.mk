# The compiler but for its main, so that unit tests link it.
$(call archive,policy/compiler,anchors.c auth.c balance.c bounds.c certs.c changes.c child.c conditions.c entry.c \
	expand.c files.c filter.c hosts.c imported.c issuers.c job.c keys.c keyset.c keysource.c limits.c located.c \
	mainconf.c native_schema.c native_slots.c native_words.c net.c nethosts.c peers.c precedence.c \
	profile.c program.c quotas.c registry.c remote.c roles.c rules.c rulesets.c scopes.c secrets.c \
	servers.c strays.c shared.c switched.c tenantlimits.c tenants.c tools.c typed.c values.c vars.c \
	vault.c view.c)
$(call program,libexec/mcpgw/mcpgw-compile,policy/compiler,main.c,policy/compiler auth policy ipc sandbox \
	lib,seccomp yaml crypto)
