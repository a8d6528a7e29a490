// The least that Go serves.
package main

import (
	"net/http"
	"os"
)

func main() {
	ok := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok")) }
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(ok)))
}
