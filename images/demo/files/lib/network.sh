# shellcheck shell=dash disable=SC3043,SC2154,SC1091
# Brings interfaces of /etc/config/network up and down. Used by /etc/init.d/network, /sbin/ifup and /sbin/ifdown.

# State that others read: /tmp/run/network/<interface> holds the device and address of an interface that is up.
NETSTATE=/tmp/run/network

_is_device() {
	local name
	config_get name "$1" name
	[ "$name" = "$2" ] && found=$1
}

_add_port() {
	[ -e "/sys/class/net/$1" ] || return 0
	ip link set "$1" up
	[ -e "/sys/class/net/$2/brif/$1" ] || brctl addif "$2" "$1"
}

# Makes a device ready: a bridge is created and gets its ports.
device_up() {
	local device=$1 found= type macaddr mtu
	config_foreach _is_device device "$device"
	if [ -n "$found" ]; then
		config_get type "$found" type
		config_get macaddr "$found" macaddr
		config_get mtu "$found" mtu
		if [ "$type" = bridge ]; then
			[ -e "/sys/class/net/$device" ] || brctl addbr "$device"
			config_list_foreach "$found" ports _add_port "$device"
		fi
	fi
	[ -e "/sys/class/net/$device" ] || return 1
	[ -z "$macaddr" ] || ip link set "$device" address "$macaddr"
	[ -z "$mtu" ] || ip link set "$device" mtu "$mtu"
	ip link set "$device" up
}

_add_address() {
	local address=$1 prefix
	case $address in
		*/*) ;;
		*)
			prefix_of prefix "${netmask:-255.255.255.0}"
			address=$address/$prefix
			;;
	esac
	[ "$device" = lo ] && [ "$address" = 127.0.0.1/8 ] && return 0
	ip addr add "$address" broadcast + dev "$device"
	[ -n "$first" ] || first=$address
}

# Interface names become file names and parts of commands.
_is_name() { case $1 in '' | *[!A-Za-z0-9_]*) return 1 ;; esac; }

# interface_up NAME [boot]: hotplug scripts are told unless this is the boot, where services start by themselves
interface_up() {
	local interface=$1 device proto netmask gateway disabled auto first=
	_is_name "$interface" || return 1
	config_get_bool disabled "$interface" disabled 0
	[ "$disabled" = 1 ] && return 0
	config_get_bool auto "$interface" auto 1
	[ "$2" = boot ] && [ "$auto" = 0 ] && return 0
	config_get device "$interface" device
	config_get proto "$interface" proto none
	device_up "$device" || {
		logger -t network "$interface: no device '$device'"
		return 1
	}
	case $proto in
		static)
			config_get netmask "$interface" netmask
			config_get gateway "$interface" gateway
			config_list_foreach "$interface" ipaddr _add_address
			[ -z "$gateway" ] || ip route replace default via "$gateway" dev "$device"
			;;
		dhcp)
			udhcpc -b -S -t 3 -i "$device" -s /lib/netifd/dhcp.script -p "$NETSTATE/$interface.pid" \
				-x "hostname:$(cat /proc/sys/kernel/hostname)" >/dev/null 2>&1 &
			;;
		none) ;;
		*)
			logger -t network "$interface: this firmware knows static, dhcp and none, not '$proto'"
			return 1
			;;
	esac
	echo "$device $first" >"$NETSTATE/$interface"
	[ "$2" = boot ] || hotplug ifup "$interface" "$device"
}

interface_down() {
	local interface=$1 device pid
	_is_name "$interface" || return 1
	[ -f "$NETSTATE/$interface" ] || return 0
	read -r device _ <"$NETSTATE/$interface"
	rm -f "$NETSTATE/$interface"
	if [ -f "$NETSTATE/$interface.pid" ]; then
		read -r pid <"$NETSTATE/$interface.pid"
		kill "$pid" 2>/dev/null
		rm -f "$NETSTATE/$interface.pid"
	fi
	if [ "$device" != lo ]; then
		ip addr flush dev "$device"
		ip link set "$device" down
		[ -d "/sys/class/net/$device/bridge" ] && brctl delbr "$device"
	fi
	hotplug ifdown "$interface" "$device"
}

# Tells /etc/hotplug.d/iface, with OpenWrt's variables.
hotplug() {
	local script
	for script in /etc/hotplug.d/iface/*; do
		[ -f "$script" ] && (
			ACTION=$1 INTERFACE=$2 DEVICE=$3
			. "$script"
		)
	done
	return 0
}
