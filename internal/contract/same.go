package contract

var sameCases = cases{}
