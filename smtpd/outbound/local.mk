# Sending: a library of its own, so that its parts are tested without the daemon around them.
noinst_LIBRARIES += liboutbound.a
# what stands between the parts
liboutbound_a_SOURCES = %D%/job.h
