#!/bin/sh
# boot.sh ROOT INSTALLED: this system as it is, with what is INSTALLED laid over it, booted by its own systemd, as PID 1 of namespaces of its own. To be called by
#   unshare --mount --pid --fork --cgroup --net --uts --ipc boot.sh ROOT INSTALLED
# Nothing that happens there is left when it has ended: all is written into memory, below ROOT. None of this system's services is started.
set -eu
root=$1/root
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$root"
cp -a "$2/." "$1/upper/"
mkdir -p "$1/upper/etc"
echo 0123456789abcdef0123456789abcdef >"$1/upper/etc/machine-id" # without one all services would be enabled
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$root"
for d in run tmp var/tmp etc/systemd/system dev; do mkdir -p "$root/$d"; mount -t tmpfs -o mode=755 tmpfs "$root/$d"; done
chmod 1777 "$root/tmp" "$root/var/tmp"
for d in null zero full random urandom tty; do touch "$root/dev/$d"; mount --bind "/dev/$d" "$root/dev/$d"; done
touch "$root/dev/console"
mount --bind /dev/null "$root/dev/console"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t proc proc "$root/proc"
for f in sys sysrq-trigger; do [ -e "$root/proc/$f" ] || continue; mount --bind "$root/proc/$f" "$root/proc/$f"; mount -o remount,ro,bind "$root/proc/$f"; done
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
cd "$root"
pivot_root . .
umount -l .
cd /
# what could reach the machine itself is given up
exec env -i container=pillarbox-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-mknod /lib/systemd/systemd --unit=basic.target --log-level=warning
