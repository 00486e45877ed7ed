$(call archive,ipc,frame.c codec.c chan.c wait.c birth.c life.c)
