// The same word count in Go: a map for each goroutine, merged at the end.
// Build: go build words.go; run: words THREADS FILE_WITH_PATHS, prints: TOTAL DISTINCT SECONDS
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	threads, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	runtime.GOMAXPROCS(threads)
	list, err := os.Open(os.Args[2])
	if err != nil {
		panic(err)
	}
	var paths []string
	for lines := bufio.NewScanner(list); lines.Scan(); {
		paths = append(paths, lines.Text())
	}
	start := time.Now()
	tables := make([]map[string]*uint64, threads)
	var next int64 = -1
	var group sync.WaitGroup
	for worker := range tables {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			table := make(map[string]*uint64)
			tables[worker] = table
			for {
				index := int(atomic.AddInt64(&next, 1))
				if index >= len(paths) {
					return
				}
				text, err := os.ReadFile(paths[index])
				if err != nil {
					continue
				}
				count(table, text)
			}
		}(worker)
	}
	group.Wait()
	whole := tables[0]
	for _, table := range tables[1:] {
		for word, n := range table {
			if slot, ok := whole[word]; ok {
				*slot += *n
			} else {
				whole[word] = n
			}
		}
	}
	var total uint64
	for _, n := range whole {
		total += *n
	}
	fmt.Println(total, len(whole), time.Since(start).Seconds())
}

// Counts the words of text; a lookup by string(bytes) does not allocate, only a new word does.
func count(table map[string]*uint64, text []byte) {
	start := -1
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
			text[i] = c
		}
		if c >= 'a' && c <= 'z' {
			if start < 0 {
				start = i
			}
		} else if start >= 0 {
			add(table, text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		add(table, text[start:])
	}
}

func add(table map[string]*uint64, word []byte) {
	if slot, ok := table[string(word)]; ok {
		*slot++
	} else {
		one := uint64(1)
		table[string(word)] = &one
	}
}
