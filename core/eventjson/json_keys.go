package eventjson

import "hash/maphash"

// openKeys holds the keys of all objects that are being read, so that a key given
// twice is found. It is a stack: the innermost object's keys are last, and close
// removes them. The keys of a small object are compared one by one. A larger one's
// are hashed, because comparing would take time quadratic in what a client sends.
type openKeys struct {
	// room holds the first keys of the stack, more the rest. Most events never fill
	// room, which is part of the scanner and costs no allocation.
	room [24][]byte
	more [][]byte
	// count is the height of the stack.
	count int
}

// objectKeys is the part of openKeys that belongs to one object.
type objectKeys struct {
	// base is the height of the stack below the object's keys.
	base int
	// slots is an open-addressing hash table, at most half full; a slot holds
	// the number of a key in the object, counted from 1.
	slots []int32
}

// fewKeys is how many keys are compared one by one.
const fewKeys = 16

// hashSeed is secret and random, so that a client cannot choose keys that collide.
var hashSeed = maphash.MakeSeed()

// open begins an object.
func (k *openKeys) open() objectKeys { return objectKeys{base: k.count} }

// close ends the innermost object and removes its keys.
func (k *openKeys) close(object objectKeys) {
	k.count = object.base
	k.more = k.more[:max(k.count-len(k.room), 0)]
}

// add adds a key, as it is written, to the innermost object. It reports false when
// the object has the key. Two spellings of one key are one: the keys are compared
// without their escapes.
func (k *openKeys) add(object *objectKeys, name []byte, escaped bool) bool {
	if escaped {
		name = unescape(nil, name)
	}
	if k.count-object.base < fewKeys {
		for i := object.base; i < k.count; i++ {
			if string(k.at(i)) == string(name) {
				return false
			}
		}
	} else if !k.hash(object, name) {
		return false
	}
	if k.count < len(k.room) {
		k.room[k.count] = name
	} else {
		k.more = append(k.more, name)
	}
	k.count++
	return true
}

// at returns a key of the stack.
func (k *openKeys) at(i int) []byte {
	if i < len(k.room) {
		return k.room[i]
	}
	return k.more[i-len(k.room)]
}

// hash puts name, the key that comes next, into the object's table. It reports false
// when name is there. A table that is half full is made anew, twice as large.
func (k *openKeys) hash(object *objectKeys, name []byte) bool {
	if size := k.count - object.base; 2*size >= len(object.slots) {
		object.slots = make([]int32, 4*size)
		for i := range size {
			k.place(object, k.at(object.base+i), int32(i+1))
		}
	}
	return k.place(object, name, int32(k.count-object.base+1))
}

// place takes a slot for name, or reports false when name has one. The table is at
// most half full, so the search meets a free slot.
func (k *openKeys) place(object *objectKeys, name []byte, number int32) bool {
	slots := uint64(len(object.slots))
	for i := maphash.Bytes(hashSeed, name) % slots; ; i = (i + 1) % slots {
		switch taken := object.slots[i]; {
		case taken == 0:
			object.slots[i] = number
			return true
		case string(k.at(object.base+int(taken)-1)) == string(name):
			return false
		}
	}
}
