CTL_FILES := ask.c cmd_audit.c cmd_call.c cmd_explain.c cmd_help.c cmd_key.c cmd_list.c cmd_reload.c \
	cmd_start.c cmd_status.c folders.c httpsock.c main.c mcpclient.c opts.c out.c program.c \
	status_print.c
$(call program,bin/mcpgwctl,ctl,$(CTL_FILES),ipc policy lib,crypto)
