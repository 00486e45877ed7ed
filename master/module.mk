MASTER_FILES := boot.c children.c compile.c ctlcmd.c ctlsock.c daemon.c dirs.c holder.c listen.c logfd.c \
	main.c options.c probe.c query.c regions.c reload.c runners.c sdnotify.c secretfile.c segments.c \
	signals.c snapset.c spawn.c start.c status.c stop.c watch.c
$(call program,bin/mcpgw,master,$(MASTER_FILES),ipc policy shm sandbox lib,event_core)
